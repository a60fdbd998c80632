"""Names, places and languages of the demo's borrowers: invented people in real cities. Constants only."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A city with a branch."""

    city: str
    state: str
    region: str
    language: str
    """ISO 639-1 code of what most borrowers there speak."""
    share: float
    """Weight among the branches."""
    risk: float
    """Multiplies the hazard of falling behind."""
    pin: int
    """First PIN code of the city."""

    @property
    def branch(self) -> str:
        """Name of the branch."""
        return self.city


PLACES: Final = (
    Place("Pune", "Maharashtra", "West", "mr", 6, 0.9, 411001),
    Place("Nashik", "Maharashtra", "West", "mr", 4, 1.0, 422001),
    Place("Nagpur", "Maharashtra", "West", "mr", 4, 1.2, 440001),
    Place("Ahmedabad", "Gujarat", "West", "gu", 5, 0.8, 380001),
    Place("Surat", "Gujarat", "West", "gu", 5, 0.8, 395001),
    Place("Rajkot", "Gujarat", "West", "gu", 3, 0.9, 360001),
    Place("Jaipur", "Rajasthan", "North", "hi", 5, 1.1, 302001),
    Place("Jodhpur", "Rajasthan", "North", "hi", 3, 1.1, 342001),
    Place("Lucknow", "Uttar Pradesh", "North", "hi", 5, 1.2, 226001),
    Place("Kanpur", "Uttar Pradesh", "North", "hi", 4, 1.4, 208001),
    Place("Ludhiana", "Punjab", "North", "pa", 4, 1.3, 141001),
    Place("Delhi", "Delhi", "North", "hi", 6, 1.0, 110001),
    Place("Bhopal", "Madhya Pradesh", "Central", "hi", 4, 1.2, 462001),
    Place("Indore", "Madhya Pradesh", "Central", "hi", 5, 1.0, 452001),
    Place("Raipur", "Chhattisgarh", "Central", "hi", 3, 1.1, 492001),
    Place("Bengaluru", "Karnataka", "South", "kn", 6, 0.8, 560001),
    Place("Mysuru", "Karnataka", "South", "kn", 3, 0.8, 570001),
    Place("Chennai", "Tamil Nadu", "South", "ta", 6, 0.8, 600001),
    Place("Coimbatore", "Tamil Nadu", "South", "ta", 4, 0.7, 641001),
    Place("Madurai", "Tamil Nadu", "South", "ta", 3, 0.9, 625001),
    Place("Hyderabad", "Telangana", "South", "te", 6, 1.0, 500001),
    Place("Vijayawada", "Andhra Pradesh", "South", "te", 4, 1.1, 520001),
    Place("Kochi", "Kerala", "South", "ml", 3, 0.8, 682001),
    Place("Kolkata", "West Bengal", "East", "bn", 5, 1.1, 700001),
    Place("Patna", "Bihar", "East", "hi", 4, 1.4, 800001),
    Place("Ranchi", "Jharkhand", "East", "hi", 3, 1.2, 834001),
    Place("Bhubaneswar", "Odisha", "East", "or", 3, 1.2, 751001),
    Place("Guwahati", "Assam", "East", "as", 3, 1.5, 781001),
)

CENTRES: Final = {
    "Pune": (18.5204, 73.8567),
    "Nashik": (19.9975, 73.7898),
    "Nagpur": (21.1458, 79.0882),
    "Ahmedabad": (23.0225, 72.5714),
    "Surat": (21.1702, 72.8311),
    "Rajkot": (22.3039, 70.8022),
    "Jaipur": (26.9124, 75.7873),
    "Jodhpur": (26.2389, 73.0243),
    "Lucknow": (26.8467, 80.9462),
    "Kanpur": (26.4499, 80.3319),
    "Ludhiana": (30.9010, 75.8573),
    "Delhi": (28.6139, 77.2090),
    "Bhopal": (23.2599, 77.4126),
    "Indore": (22.7196, 75.8577),
    "Raipur": (21.2514, 81.6296),
    "Bengaluru": (12.9716, 77.5946),
    "Mysuru": (12.2958, 76.6394),
    "Chennai": (13.0827, 80.2707),
    "Coimbatore": (11.0168, 76.9558),
    "Madurai": (9.9252, 78.1198),
    "Hyderabad": (17.3850, 78.4867),
    "Vijayawada": (16.5062, 80.6480),
    "Kochi": (9.9312, 76.2673),
    "Kolkata": (22.5726, 88.3639),
    "Patna": (25.5941, 85.1376),
    "Ranchi": (23.3441, 85.3096),
    "Bhubaneswar": (20.2961, 85.8245),
    "Guwahati": (26.1445, 91.7362),
}
"""Latitude and longitude of the middle of each city, degrees."""

FIRST_NAMES: Final = {
    "hi": "Aarti Abhishek Ajay Alok Amit Anita Ankit Arun Asha Deepak Dinesh Geeta Imran Jyoti Kavita Kiran Mahesh "
    "Manoj Meena Mohammed Mukesh Neha Nisha Pooja Pradeep Rahul Rajesh Rakesh Ramesh Rekha Ritu Sandeep Sanjay "
    "Shabana Shalini Sunil Sunita Suresh Vikas Vinod",
    "mr": "Aniket Archana Ashwini Bharat Datta Ganesh Jayashree Kishor Madhuri Manisha Nilesh Nitin Pallavi Pramod "
    "Prashant Rohini Sachin Sagar Sangeeta Santosh Shubhangi Sneha Swapnil Tushar Ujwala Vaishali Vijay Yogesh",
    "gu": "Alpesh Bhavna Bhavesh Chetan Dharmesh Falguni Hardik Hetal Hiren Jignesh Jigna Kalpesh Ketan Komal Mehul "
    "Minal Mitesh Nilam Parth Payal Pinal Rupal Sejal Tejas Urvi Vipul",
    "pa": "Amarjit Amrit Balwinder Davinder Gurpreet Gurmeet Harjit Harpreet Jaswinder Kulwant Lakhwinder Mandeep "
    "Manpreet Navjot Paramjit Rajwinder Ravinder Satnam Simran Sukhdev",
    "kn": "Anand Basavaraj Bhagya Chandrashekar Gowramma Girish Harish Kavya Lakshmi Lokesh Manjula Manjunath Nagaraj "
    "Pavithra Prakash Raghavendra Ramya Ravi Roopa Savitha Shivakumar Shwetha Suma Veena",
    "ta": "Anbu Arul Balaji Bhuvana Chitra Devi Dinesh Ezhil Gomathi Kannan Karthik Kavitha Malar Mani Murugan Muthu "
    "Nandhini Palani Priya Rajkumar Revathi Saravanan Selvi Senthil Sudha Tamilselvan Vasanthi Vel",
    "te": "Anil Anusha Bhaskar Durga Gopal Hari Jhansi Kalyani Kiran Krishna Lakshmi Madhavi Naresh Padma Pavan Prasad "
    "Radha Rajitha Ramana Sai Sandhya Srikanth Srinivas Suresh Swathi Venkat Vijaya",
    "ml": "Abdul Ajith Ambili Anoop Bindu Biju Deepa Faisal Jaya Jose Latha Manoj Nisha Rajeev Reena Sajan Sheeba "
    "Shiju Sindhu Sreeja Suresh Thomas Unni Vineetha",
    "bn": "Abhijit Anirban Arpita Bikash Chandan Debashis Dipankar Gouri Indrani Jayanta Kakali Mahua Mousumi Partha "
    "Piyali Prasenjit Rina Sanjib Shampa Soma Subrata Sudip Swapan Tapas",
    "or": "Ajaya Basanti Bijay Debasis Gitanjali Jagannath Kuni Laxmi Manas Minati Pratap Puspa Rabindra Sasmita "
    "Sanjukta Subash Sujata Tapan",
    "as": "Anjali Bhaben Bipul Dipali Gitika Hemanta Jitu Junmoni Kamal Manashi Nayan Pranjal Rituparna Rumi Tarun",
}

LAST_NAMES: Final = {
    "hi": "Agarwal Ansari Bhatt Chauhan Chaudhary Dubey Gupta Jain Jha Khan Kumar Mahto Mishra Pandey Pathak Prasad "
    "Rathore Sahu Saxena Sharma Shukla Singh Sinha Soni Srivastava Thakur Tiwari Tripathi Verma Yadav",
    "mr": "Bhosale Chavan Deshmukh Deshpande Gaikwad Ghorpade Jadhav Jagtap Joshi Kadam Kale Kamble Kulkarni Mane More "
    "Pawar Patil Sawant Shinde Wagh",
    "gu": "Bhatt Chaudhari Desai Gohil Joshi Makwana Mehta Modi Panchal Parmar Patel Prajapati Rana Shah Solanki "
    "Thakor Trivedi Vaghela",
    "pa": "Bains Brar Dhaliwal Dhillon Gill Grewal Kaur Mann Sandhu Sidhu Singh Sohal Virk",
    "kn": "Bhat Gowda Hegde Kamath Murthy Naik Nayak Patil Poojary Rao Reddy Shetty Swamy",
    "ta": "Arumugam Chandran Ganesan Govindan Krishnan Kumaran Murugesan Natarajan Pandian Perumal Rajan Ramasamy "
    "Selvaraj Shanmugam Subramanian Thangavel Velmurugan",
    "te": "Babu Chowdary Goud Kumar Naidu Raju Rao Reddy Sastry Shaik Varma Yadav",
    "ml": "Antony George Joseph Kurup Mathew Menon Nair Nambiar Pillai Varghese Warrier",
    "bn": "Banerjee Biswas Bose Chatterjee Das Dey Dutta Ghosh Kar Mondal Mukherjee Pal Roy Saha Sarkar Sen",
    "or": "Behera Das Jena Mahapatra Mishra Mohanty Nayak Panda Patra Pradhan Rout Sahoo Swain",
    "as": "Ahmed Baruah Bora Borah Das Deka Gogoi Hazarika Kalita Saikia Sharma Talukdar",
}

STREETS: Final = (
    "Gandhi Road",
    "Station Road",
    "Nehru Nagar",
    "Shivaji Chowk",
    "Temple Street",
    "Market Yard",
    "Lake View Colony",
    "Ambedkar Nagar",
    "College Road",
    "Industrial Estate",
)

MAIL_DOMAINS: Final = ("example.com", "example.org", "example.net")
"""Reserved for examples (RFC 2606): no message can reach a person."""
