"""Short calls in five languages, written for measuring and testing; agent and customer speak in turn."""

from __future__ import annotations

from service.conversation import Conversation, Participant, Turn

CALLS: dict[str, list[list[str]]] = {
    "en": [
        [
            "Thank you for calling Northwind Energy, my name is Priya. How can I help you today?",
            "Hi Priya, I was charged $45 twice on my March statement and nobody has called me back.",
            "I am sorry about that. Before I open the account, could you confirm your date of birth?",
            "It is the fourteenth of June, nineteen eighty two. The account number is 4471-9920.",
            "Thank you, Mr. Caldwell. I can see both payments here. I am not able to refund that charge today, because it is still pending.",
            "That doesn't help me. When will it be possible?",
            "It usually takes three to five business days. I can offer a credit of 15 dollars instead, if you would like that.",
            "Fine, but I never agreed to the premium plan and I want it removed.",
            "I have removed the premium plan and waived the late fee of $1,250.50 for you. You will receive a confirmation email within the hour.",
            "Great, thank you. There is nothing else.",
            "This call may be recorded for quality and training purposes. Have a wonderful afternoon!",
        ],
        [
            "Good morning, Harbor Travel, this is Marcus speaking. Who do I have the pleasure of talking to?",
            "This is Elena Whitford. I need to move my flight to Lisbon from the 3rd to the 17th of October.",
            "I'd be happy to look into that. Your ticket isn't refundable, but it can be changed for a fee of 80 euros.",
            "Eighty euros is a lot. Couldn't you make an exception?",
            "I can't waive the fee myself, however my supervisor might approve a voucher worth 6% of the fare.",
            "Okay, please ask her. I don't want to pay twice for the same seat.",
            "She approved it. The new departure is at 7:45 p.m. from terminal two, and your reference is QX7Z19.",
            "Wonderful. Could you send the itinerary to my office address as well?",
            "Certainly. I've sent the itinerary to both addresses, and I also added your wheelchair request without any extra cost.",
            "You've been very patient with me, I appreciate it.",
        ],
    ],
    "es": [
        [
            "Buenos días, gracias por llamar a Telefónica del Valle, mi nombre es Lucía. ¿En qué puedo ayudarle?",
            "Hola, mi internet lleva cuatro días sin funcionar y nadie me ha dado una solución.",
            "Lamento mucho la situación. ¿Me podría confirmar su número de contrato, por favor?",
            "Sí, es el 58210437 y está a nombre de Joaquín Barrera.",
            "Gracias. No puedo devolverle el importe completo, pero le ofrezco un descuento de 20 euros en la próxima factura.",
            "Pues no me parece suficiente, yo pago 49,90 euros cada mes.",
            "Lo entiendo perfectamente. El técnico pasará el martes entre las nueve y las once de la mañana.",
            "De acuerdo, pero quiero que conste mi reclamación.",
            "Ya he registrado su reclamación con el número 7731. Recibirá una respuesta antes de quince días.",
            "Muchas gracias por su paciencia, señorita.",
        ],
        [
            "Seguros Miramar, le atiende Andrés. ¿Con quién tengo el gusto?",
            "Soy Carmen Olmedo. Tuve un accidente el 12 de febrero y necesito saber si la póliza cubre la reparación.",
            "Permítame revisar. Su póliza cubre los daños a terceros, aunque no incluye los daños propios.",
            "¿Entonces tengo que pagar yo los 1.350 euros del taller?",
            "Lamentablemente sí. Puedo fraccionar el pago en seis cuotas sin intereses.",
            "Eso me ayudaría bastante, nunca he dejado de pagar una cuota.",
            "Perfecto. Le enviaré el documento por correo electrónico para que lo firme hoy mismo.",
            "Está bien, muchas gracias por todo.",
        ],
    ],
    "fa": [
        [
            "سلام، با پشتیبانی فروشگاه نیلوفر تماس گرفته‌اید، مریم هستم. چطور می‌توانم کمکتان کنم؟",
            "سلام خانم، سفارش من ده روز است که نرسیده و هیچ‌کس جواب درستی به من نمی‌دهد.",
            "متأسفم که این مشکل پیش آمده. لطفاً شمارهٔ سفارش خود را بفرمایید.",
            "شمارهٔ سفارش ۸۴۲۱۷ است و به نام کاوه رستگار ثبت شده.",
            "ممنونم آقای رستگار. بسته در انبار تهران مانده است و ما امروز نمی‌توانیم آن را تحویل بدهیم.",
            "پس من پولم را می‌خواهم، دیگر صبر نمی‌کنم.",
            "مبلغ ۳۵۰ هزار تومان تا سه روز کاری به حساب شما برمی‌گردد.",
            "باشد، ولی من قبلاً هم پیگیری کرده بودم و کسی تماس نگرفت.",
            "حق با شماست. یک کد تخفیف پانزده درصدی هم برای خرید بعدی شما فعال کردم.",
            "خیلی ممنون از پیگیری شما، روز خوبی داشته باشید.",
        ],
        [
            "بانک سپهر، روز شما بخیر، امیر هستم. در خدمتم.",
            "من رمز کارتم را فراموش کرده‌ام و دستگاه کارت را ضبط کرده است.",
            "برای صدور کارت جدید باید تاریخ تولد و کد ملی شما را بپرسم.",
            "متولد پنجم مهر هزار و سیصد و شصت هستم و کد ملی من ۰۰۷۲۳۴۵۶۱۸ است.",
            "هویت شما تأیید شد. کارت جدید ظرف یک هفته به نشانی شما فرستاده می‌شود و هزینه‌ای ندارد.",
            "اگر زودتر لازم داشته باشم چه کار کنم؟",
            "می‌توانید فردا صبح به شعبهٔ میرداماد بروید و کارت موقت بگیرید.",
            "خیلی خوب شد، لطف کردید.",
        ],
    ],
    "ar": [
        [
            "مرحباً بك في خدمة عملاء شركة النخيل، معك سارة. كيف يمكنني مساعدتك اليوم؟",
            "أهلاً، وصلتني فاتورة بمبلغ 240 ريالاً وأنا لم أستخدم الخدمة هذا الشهر.",
            "أعتذر عن الإزعاج. هل يمكنك تزويدي برقم الحساب من فضلك؟",
            "رقم الحساب هو 66018 باسم خالد المنصور.",
            "شكراً لك. لا أستطيع إلغاء الفاتورة الآن، لكن يمكنني رفع طلب مراجعة إلى القسم المالي.",
            "كم تستغرق المراجعة؟ لا أريد أن أنتظر طويلاً.",
            "تستغرق المراجعة خمسة أيام عمل، وسوف نرسل لك رسالة نصية عند الانتهاء.",
            "حسناً، وأرجو تحديث عنوان البريد الإلكتروني أيضاً.",
            "تم تحديث العنوان بنجاح، وأضفت لك خصماً بنسبة 10% على الباقة القادمة.",
            "شكراً جزيلاً على المساعدة.",
        ],
        [
            "مصرف الواحة، صباح الخير، معك يوسف. تفضل.",
            "أريد تفعيل بطاقتي الجديدة قبل السفر يوم الخميس.",
            "بكل سرور. أحتاج إلى التحقق من هويتك أولاً، ما هو تاريخ ميلادك؟",
            "تاريخ ميلادي هو الثالث من مارس عام 1988.",
            "شكراً، تم التحقق. البطاقة مفعلة الآن، ولن تدفع أي رسوم داخل البلاد.",
            "وماذا عن السحب من الخارج؟",
            "رسوم السحب من الخارج هي 25 ريالاً لكل عملية.",
            "ممتاز، هذا كل ما أحتاجه.",
        ],
    ],
    "zh": [
        [
            "您好，欢迎致电晨光网络客服，我是王丽，请问有什么可以帮您？",
            "你好，我的宽带已经断了三天，到现在都没有人上门维修。",
            "非常抱歉给您带来不便。请您提供一下登记的手机号码。",
            "手机号码是13800256471，户主叫陈志远。",
            "谢谢陈先生。今天我们不能安排师傅上门，最早是明天上午九点。",
            "那这三天的费用怎么办？我每个月交128元。",
            "我可以为您申请减免15元的月租，下个月账单会自动扣除。",
            "好的，但是我不想再续约了。",
            "我理解您的心情。续约不是强制的，合同到期后您可以随时取消。",
            "行，那就先这样，麻烦你尽快处理。",
        ],
        [
            "您好，远航旅行社，我是客服李明。",
            "我想把十月三号去成都的机票改到十月十七号。",
            "请稍等，我帮您查询。这张机票不可以退款，但是可以改签，手续费是80元。",
            "八十元太贵了，能不能便宜一点？",
            "我没有权限减免手续费，不过可以送您一张50元的代金券。",
            "好吧，那就这样改。",
            "已经为您改签成功，新的航班晚上七点四十五分起飞。",
            "谢谢你，服务很好。",
        ],
    ],
}

PEOPLE = (Participant(id="agent", role="agent"), Participant(id="customer", role="customer"))


def a_call(name: str, language: str, texts: list[str]) -> Conversation:
    """Agent and customer in turn."""
    turns = tuple(Turn(participant=PEOPLE[i % 2].id, text=text) for i, text in enumerate(texts))
    return Conversation(id=name, channel="voice", language=language, participants=PEOPLE, turns=turns)
